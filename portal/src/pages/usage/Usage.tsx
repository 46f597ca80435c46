import { Page } from '../../components/Page'

export function Usage() {
  return <Page title="Usage">…</Page>
}
