import { Skeleton, Stack } from '@mantine/core'
import { useSettings } from '../../api/settings'
import { useWorkspace } from '../../api/workspaces'
import { Failed } from '../../components/Failed'
import { Page } from '../../components/Page'
import { settingsRoute } from '../../router'
import { General } from './General'
import { RotationSettings } from './RotationSettings'
import { Webhooks } from './Webhooks'

/** The settings of a workspace, and its webhooks. */
export function Settings() {
  const { workspaceId } = settingsRoute.useParams()
  const workspace = useWorkspace(workspaceId)
  const settings = useSettings(workspaceId)
  const role = workspace.data?.role
  return (
    <Page title="Settings" description="How this workspace rotates its tokens, and who is told about it.">
      <Stack gap={32} maw={860}>
        {settings.data ? (
          <RotationSettings workspaceId={workspaceId} settings={settings.data} role={role} />
        ) : settings.isError ? (
          <Failed
            what="The settings could not be loaded"
            error={settings.error}
            retry={() => void settings.refetch()}
          />
        ) : (
          <Skeleton height={320} aria-hidden />
        )}
        {workspace.isError && !workspace.data ? (
          <Failed
            what="Your role here could not be looked up"
            error={workspace.error}
            retry={() => void workspace.refetch()}
          />
        ) : (
          <Webhooks workspaceId={workspaceId} role={role} />
        )}
        {workspace.data && <General workspace={workspace.data} />}
      </Stack>
    </Page>
  )
}
