import { Box, Skeleton, Stack, Title } from '@mantine/core'
import type { TokenUsage } from '../../api/schema'
import { useTokenUsage } from '../../api/usage'
import { Failed } from '../../components/Failed'
import { Page } from '../../components/Page'
import { usageRoute } from '../../router'
import { RotateButton } from '../rotation/RotateButton'
import { Verdict } from '../rotation/Verdict'
import { DeadTokens } from './DeadTokens'
import { Timeline } from './Timeline'
import { TokenClients } from './TokenClients'

/** Who uses which token, now and over time, and who tries dead ones. */
export function Usage() {
  const { workspaceId } = usageRoute.useParams()
  const { hours = '1' } = usageRoute.useSearch()
  const navigate = usageRoute.useNavigate()
  const usage = useTokenUsage(workspaceId)
  return (
    <Page
      title="Token usage"
      description="Who uses which token, and whether Token 1 can be rotated away without stopping anybody."
      actions={<RotateButton workspaceId={workspaceId} />}
    >
      <Stack gap="xl">
        {usage.data ? (
          <Stack gap="sm">
            <Verdict verdict={usage.data.safeToRotate} />
            <DeadTokens usage={usage.data} />
          </Stack>
        ) : usage.isError ? (
          <Failed
            what="Who uses the tokens could not be loaded"
            error={usage.error}
            retry={() => void usage.refetch()}
          />
        ) : (
          <Skeleton height={64} aria-hidden />
        )}
        <Timeline
          workspaceId={workspaceId}
          hours={['1', '24', '168', '2160'].includes(hours) ? hours : '1'}
          onHours={(next) => void navigate({ search: { hours: next }, replace: true })}
        />
        <Tokens usage={usage.data} workspaceId={workspaceId} />
      </Stack>
    </Page>
  )
}

function Tokens({ usage, workspaceId }: { usage: TokenUsage | undefined; workspaceId: string }) {
  if (!usage) return <Skeleton height={160} aria-hidden />
  return usage.tokens
    .filter((token) => !token.deactivatedAt)
    .map((token) => (
      <Box component="section" key={token.id} aria-labelledby={token.id}>
        <Title order={2} fz="md" id={token.id} mb="sm">
          {token.label}
        </Title>
        <TokenClients token={token} workspaceId={workspaceId} />
      </Box>
    ))
}
