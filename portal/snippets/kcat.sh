umask 077
{{#ca}}
cat > twinkey-ca.pem <<'CA'
{{ca}}
CA
{{/ca}}
cat > kcat.conf <<'CONF'
bootstrap.servers={{broker}}
security.protocol={{protocol}}
sasl.mechanism={{mechanism}}
sasl.username={{username}}
sasl.password={{password}}
{{#ca}}
ssl.ca.location=twinkey-ca.pem
{{/ca}}
CONF

# Sends a message, and prints the topic from its beginning.
echo 'Hello from kcat' | kcat -F kcat.conf -P -t '{{workspaceId}}-{{topic}}'
kcat -F kcat.conf -C -t '{{workspaceId}}-{{topic}}' -o beginning -e
