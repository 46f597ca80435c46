import { Page } from '../../components/Page'

export function BrokerSettings() {
  return <Page title="BrokerSettings">…</Page>
}
