import { Page } from '../../components/Page'

export function WorkspaceMembers() {
  return <Page title="WorkspaceMembers">…</Page>
}
