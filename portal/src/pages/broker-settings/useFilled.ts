import { useState } from 'react'
import { brokerCa, type Connection } from '../../api/connection'
import type { SdkToken, Slot } from '../../api/schema'
import { revealConnection, revealToken } from '../../api/tokens'
import { useProof, wantsProof } from '../../components/useProof'
import { fill, masked, needsPassword, type Snippet, type Values } from './snippets'
import { useRevealed } from './useRevealed'

/** What snippets are filled with that is no secret. */
export interface Known {
  workspaceId: string
  topic: string
  slot: Slot
  token: SdkToken | undefined
  connection: Connection | undefined
}

/** A snippet with the workspace's values; the secret ones are asked for on request, and stay for a minute. */
export function useFilled(snippet: Snippet, known: Known) {
  const revealed = useRevealed<{ key: string; values: Values }>()
  const { prove, dialog } = useProof()
  const [pending, setPending] = useState(false)
  const [error, setError] = useState<unknown>()
  const values: Values = {
    portalApi: window.location.origin,
    workspaceId: known.workspaceId,
    topic: known.topic,
    broker: known.connection?.address ?? '…',
    protocol: known.connection?.protocol ?? '…',
    mechanism: known.connection?.mechanism ?? '…',
    username: known.token?.principal ?? '…',
    ca: known.connection?.hasCertificate === false ? '' : '(the CA certificate)',
  }
  // Secrets of one token, for snippets of one kind: another choice asks for them anew.
  const key = `${known.token?.id} ${needsPassword(snippet.text)}`
  const secrets = revealed.value?.key === key ? revealed.value.values : undefined

  /** Everything that the snippet needs, from the server. */
  const ask = () =>
    prove(async (): Promise<Values> => {
      if (!needsPassword(snippet.text)) return { token: await revealToken(known.workspaceId, known.slot) }
      const [config, ca] = await Promise.all([
        revealConnection(known.workspaceId, known.slot),
        brokerCa(known.workspaceId),
      ])
      return {
        broker: config['bootstrap.servers'],
        protocol: config['security.protocol'],
        mechanism: config['sasl.mechanism'],
        username: config['sasl.username'],
        password: config['sasl.password'],
        ca: ca ?? '',
      }
    })

  const use = async (take: (text: string, secrets: Values) => unknown) => {
    setPending(true)
    setError(undefined)
    try {
      const found = secrets ?? (await ask())
      await take(fill(snippet.text, { ...values, ...found }), found)
    } catch (refusal) {
      if (!wantsProof(refusal)) setError(refusal)
    } finally {
      setPending(false)
    }
  }
  return {
    text: fill(
      snippet.text,
      secrets ? { ...values, ...secrets } : masked(values, known.token?.masked ?? '…'),
    ),
    until: secrets ? revealed.until : undefined,
    show: () => use((_, found) => revealed.show({ key, values: found })),
    hide: revealed.hide,
    /** Gives the filled text to `take`, without showing it. */
    take: (take: (text: string) => unknown) => use(take),
    pending,
    error,
    dialog,
  }
}
