import { Code, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import classes from './Help.module.css'

/** Where the first password is found, and what helps when one is lost. */
export function Help() {
  return (
    <Stack gap="xs" mt="md">
      <Question title="First time here?">
        <p>
          The first start of the server makes the account <Code>admin@localhost</Code> and prints its password{' '}
          <b>once</b>, in the server’s terminal or log. If <Code>TWINKEY_ADMIN_PASSWORD</Code> was set for
          that start, the password is what stands there; <Code>TWINKEY_ADMIN_EMAIL</Code> changes the address.
        </p>
        <p>Everybody else comes in through an invitation: ask an admin for a link.</p>
      </Question>
      <Question title="Password lost?">
        <p>
          Twinkey cannot show or reset a password. An admin can remove your account on the page People and
          invite you again.
        </p>
        <p>
          Nobody can sign in as an admin any more? On the machine and account that run the server, the command
          line is signed in already and makes a new admin’s invitation, for an address without an account:
        </p>
        <Code block style={{ whiteSpace: 'pre-wrap' }}>
          twinkey members invite you@example.org --role Admin
        </Code>
      </Question>
    </Stack>
  )
}

function Question({ title, children }: { title: string; children: ReactNode }) {
  return (
    <details className={classes.question}>
      <summary>{title}</summary>
      <Text component="div" fz="sm" className={classes.answer}>
        {children}
      </Text>
    </details>
  )
}
