import { Alert, Skeleton, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { isSignedOut } from '../api/error'
import { useProfileIfAny } from '../api/profile'
import type { AcceptedInvitation } from '../api/schema'
import { Failed } from '../components/Failed'
import { ButtonLink } from '../components/links'
import { Outside } from '../layout/Outside'
import { Join } from './invitation/Join'
import { Stranger } from './invitation/Stranger'
import { useLinkSecret } from './invitation/useLinkSecret'

const WHOLE = /^inv-[0-9A-Za-z]{38}$/

/** The end of an invitation's link: a new account, or a new role for the account that is signed in. */
export function AcceptInvitation() {
  const secret = useLinkSecret()
  const profile = useProfileIfAny()
  const navigate = useNavigate()
  // Set by hand, because signing in and out empties the cache that the profile is in.
  const [left, setLeft] = useState(false)
  const accepted = (invitation: AcceptedInvitation | undefined) => {
    const workspaceId = invitation?.workspaceId
    if (workspaceId)
      void navigate({ to: '/workspaces/$workspaceId/topics', params: { workspaceId }, replace: true })
    else void navigate({ to: '/workspaces', replace: true })
  }
  return (
    <Outside title="Accept an invitation">
      {secret === '' ? (
        <Again title="Open the link once more">
          Its secret was taken out of the address bar so that it does not stay in the history, and this page
          has forgotten it. The link in your message still works.
        </Again>
      ) : !WHOLE.test(secret) ? (
        <Again title="This link is not complete">
          It ends with <code>#inv-</code> and 38 letters and digits. Copy all of it from the message, and open
          it again.
        </Again>
      ) : profile.isPending && !left ? (
        <Skeleton height={180} />
      ) : profile.data && !left ? (
        <Join
          secret={secret}
          email={profile.data.email}
          onAccepted={accepted}
          onSignedOut={() => setLeft(true)}
        />
      ) : profile.error && !isSignedOut(profile.error) && !left ? (
        <Failed
          what="The server does not answer"
          error={profile.error}
          retry={() => void profile.refetch()}
        />
      ) : (
        <Stranger secret={secret} onAccepted={accepted} />
      )}
    </Outside>
  )
}

function Again({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <Stack gap="md">
      <Alert color="yellow" title={title}>
        <Text fz="sm">{children}</Text>
      </Alert>
      <ButtonLink to="/sign-in" variant="default">
        Go to the sign-in
      </ButtonLink>
    </Stack>
  )
}
