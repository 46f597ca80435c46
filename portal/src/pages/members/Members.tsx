import { Page } from '../../components/Page'

export function Members() {
  return <Page title="Members">…</Page>
}
