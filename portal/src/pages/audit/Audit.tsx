import { Page } from '../../components/Page'

export function WorkspaceAudit() {
  return <Page title="WorkspaceAudit">…</Page>
}

export function OrganisationAudit() {
  return <Page title="Audit">…</Page>
}
