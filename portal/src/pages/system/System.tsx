import { Page } from '../../components/Page'

export function System() {
  return <Page title="System">…</Page>
}
