import { Page } from '../../components/Page'

export function Webhook() {
  return <Page title="Webhook">…</Page>
}
