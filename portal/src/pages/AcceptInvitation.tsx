import { Alert, Skeleton, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useInvitation } from '../api/auth'
import { ApiError, isSignedOut } from '../api/error'
import { useProfileIfAny } from '../api/profile'
import type { AcceptedInvitation } from '../api/schema'
import { Failed } from '../components/Failed'
import { ButtonLink } from '../components/links'
import { Outside } from '../layout/Outside'
import { Contents } from './invitation/Contents'
import { Join } from './invitation/Join'
import { Refusal } from './invitation/Refusal'
import { Stranger } from './invitation/Stranger'
import { useLinkSecret } from './invitation/useLinkSecret'

const WHOLE = /^inv-[0-9A-Za-z]{38}$/

/** The end of an invitation's link: a new account, or a new role for the account that there is. */
export function AcceptInvitation() {
  const secret = useLinkSecret()
  return (
    <Outside title="Accept an invitation">
      {secret === '' ? (
        <Again title="Open the link once more">
          Its secret was taken out of the address bar so that it does not stay in the history, and this page
          has forgotten it. The link in your message still works.
        </Again>
      ) : WHOLE.test(secret) ? (
        <Invitation key={secret} secret={secret} />
      ) : (
        <Again title="This link is not complete">
          It ends with <code>#inv-</code> and 38 letters and digits. Copy all of it from the message, and open
          it again.
        </Again>
      )}
    </Outside>
  )
}

function Invitation({ secret }: { secret: string }) {
  const look = useInvitation(secret)
  const profile = useProfileIfAny()
  const navigate = useNavigate()
  // Set by hand, because signing out empties the cache that the profile is in.
  const [left, setLeft] = useState(false)
  const accepted = (invitation: AcceptedInvitation | undefined) => {
    const workspaceId = invitation?.workspaceId
    if (workspaceId)
      void navigate({ to: '/workspaces/$workspaceId/topics', params: { workspaceId }, replace: true })
    else void navigate({ to: '/workspaces', replace: true })
  }
  if (look.error) {
    if (look.error instanceof ApiError && look.error.status < 500) return <Refused error={look.error} />
    return <Failed what="The server cannot say" error={look.error} retry={look.again} />
  }
  const own = left ? undefined : profile.data
  const known = left || own !== undefined || isSignedOut(profile.error)
  if (profile.error && !known)
    return <Failed what="The server cannot say" error={profile.error} retry={() => void profile.refetch()} />
  if (look.data === undefined || !known) return <Skeleton height={220} />
  return (
    <Stack gap="md">
      <Contents invitation={look.data} />
      {own ? (
        <Join
          secret={secret}
          invited={look.data.email}
          own={own.email}
          onAccepted={accepted}
          onSignedOut={() => setLeft(true)}
        />
      ) : (
        <Stranger secret={secret} invitation={look.data} onAccepted={accepted} />
      )}
    </Stack>
  )
}

function Refused({ error }: { error: ApiError }) {
  return (
    <Stack gap="md">
      <Refusal error={error} />
      <ButtonLink to="/sign-in" variant="default">
        Go to the sign-in
      </ButtonLink>
    </Stack>
  )
}

function Again({ title, children }: { title: string; children: ReactNode }) {
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
