import { Code, Paper, SimpleGrid, Text } from '@mantine/core'
import { useSignInMethods } from '../../api/auth'
import { Section } from '../../components/Section'
import classes from './System.module.css'

/** What only the operator sets, when the server is started: whether it is, or how to. */
export function Operator({ publicUrl, mail }: { publicUrl: string; mail: boolean }) {
  const methods = useSignInMethods().data
  return (
    <Section title="Set by the operator" description="Options of the server, not of this page.">
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Paper withBorder p="lg">
          <Text fz="sm" fw={500}>
            Sign-in by OpenID Connect
          </Text>
          {methods?.oidc ? (
            <Text fz="sm">People can sign in with {methods.oidc}.</Text>
          ) : (
            <>
              <Text fz="sm" c="dimmed" mb="xs">
                Not set up: people sign in with a password. Register {publicUrl}/auth/oidc/callback at the
                provider, and start the server with
              </Text>
              <Code block className={classes.command}>
                {`TWINKEY_OIDC_CLIENT_SECRET=… twinkey serve \\\n  --oidc-issuer https://id.example.org \\\n  --oidc-client-id twinkey \\\n  --public-url ${publicUrl}`}
              </Code>
            </>
          )}
        </Paper>
        <Paper withBorder p="lg">
          <Text fz="sm" fw={500}>
            Mail
          </Text>
          {mail ? (
            <Text fz="sm">Invitations are sent by mail. Whoever invites sees the link all the same.</Text>
          ) : (
            <>
              <Text fz="sm" c="dimmed" mb="xs">
                Not set up: whoever invites passes on the link. To have invitations sent, start the server
                with
              </Text>
              <Code block className={classes.command}>
                {`TWINKEY_SMTP_PASSWORD=… twinkey serve \\\n  --smtp-url 'smtp://mail.example.org:587?tls=required' \\\n  --smtp-user twinkey \\\n  --smtp-from 'Twinkey <twinkey@example.org>'`}
              </Code>
            </>
          )}
        </Paper>
      </SimpleGrid>
    </Section>
  )
}
