import { Anchor, Paper, SimpleGrid, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useSignInMethods } from '../../api/auth'
import { useProfile } from '../../api/profile'
import { roleSentence } from '../../api/role'
import { Page } from '../../components/Page'
import { Section } from '../../components/Section'
import { PasswordForm } from './PasswordForm'
import { Pats } from './Pats'
import { Sessions } from './Sessions'

/** The account of whoever is signed in: password, sessions, personal access tokens. */
export function Profile() {
  const profile = useProfile()
  const provider = useSignInMethods().data?.oidc
  return (
    <Page title="Profile" description="Your account on this server.">
      <Stack gap={40}>
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
          <Section title="Account">
            <Paper withBorder p="md">
              <Stack gap="sm">
                <Line label="Name">{profile.name ?? 'not given'}</Line>
                <Line label="E-mail address">{profile.email}</Line>
                <Line label="Role in the organisation">
                  {profile.role}
                  <Text fz="xs" c="dimmed">
                    {roleSentence(profile.role)} A workspace may give you another role, which counts there.
                  </Text>
                </Line>
                {provider && (
                  <Line label="Other ways to sign in">
                    {/* In a browser that is signed in, this connects the account; the server sees whose it is. */}
                    <Anchor href="/auth/oidc" fz="sm">
                      Connect with {provider}
                    </Anchor>
                  </Line>
                )}
              </Stack>
            </Paper>
          </Section>
          <Section title="Password">
            <Paper withBorder p="md">
              <PasswordForm email={profile.email} />
            </Paper>
          </Section>
        </SimpleGrid>
        <Pats />
        <Sessions />
      </Stack>
    </Page>
  )
}

function Line({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <Text fz="xs" c="dimmed">
        {label}
      </Text>
      <Text component="div" fz="sm" style={{ overflowWrap: 'anywhere' }}>
        {children}
      </Text>
    </div>
  )
}
