import { Page } from '../../components/Page'

export function Workspaces() {
  return <Page title="Workspaces">…</Page>
}
