import { Page } from '../../components/Page'

export function Profile() {
  return <Page title="Profile">…</Page>
}
