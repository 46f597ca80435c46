import { Page } from '../components/Page'

export function AcceptInvitation() {
  return <Page title="AcceptInvitation">…</Page>
}
