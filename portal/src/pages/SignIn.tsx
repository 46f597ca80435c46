import { Page } from '../components/Page'

export function SignIn() {
  return <Page title="SignIn">…</Page>
}
