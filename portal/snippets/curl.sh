# Lists the topics.
curl --silent --show-error --fail-with-body --header @- '{{portalApi}}/{{workspaceId}}/topics' <<'HEADER'
Authorization: Bearer {{token}}
HEADER
