import { Page } from '../../components/Page'

export function Groups() {
  return <Page title="Groups">…</Page>
}
