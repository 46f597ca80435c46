import { queryOptions, useQuery } from '@tanstack/react-query'
import { http } from './client'

/** Where clients find the broker, and how they sign in. Nothing in it is secret. */
export interface Connection {
  /** `host:port`, comma separated. */
  address: string
  /** As librdkafka spells it. */
  protocol: string
  mechanism: string
  /** Clients must be given the CA's certificate. */
  hasCertificate: boolean
}

/** The portal's spelling to librdkafka's. */
const PROTOCOLS: Record<string, string> = {
  SaslSsl: 'SASL_SSL',
  Ssl: 'SSL',
  Sasl: 'SASL_PLAINTEXT',
  PlainText: 'PLAINTEXT',
}
const MECHANISMS: Record<string, string> = {
  ScramSha256: 'SCRAM-SHA-256',
  ScramSha512: 'SCRAM-SHA-512',
  Plain: 'PLAIN',
}

function connectionQuery(workspaceId: string) {
  return queryOptions({
    queryKey: ['connection', workspaceId],
    staleTime: 60_000,
    queryFn: async ({ signal }): Promise<Connection> => {
      const { data } = await http.GET('/workspaces/{workspace_id}', {
        params: { path: { workspace_id: workspaceId } },
        signal,
      })
      if (data === undefined) throw new Error('The server answered without a workspace. Try it again.')
      // Only what is no secret goes into the cache, whatever else the answer may have.
      const { address, securityMode, saslMechanism, hasCertificate } = data.broker
      return {
        address,
        protocol: PROTOCOLS[securityMode] ?? securityMode,
        mechanism: MECHANISMS[saslMechanism] ?? saslMechanism,
        hasCertificate,
      }
    },
  })
}

/** Where clients find the broker, and how they sign in. */
export function useConnection(workspaceId: string) {
  return useQuery(connectionQuery(workspaceId))
}

/** The broker's CA certificate as PEM; nothing where clients trust the broker anyway. */
export async function brokerCa(workspaceId: string): Promise<string | undefined> {
  const { data } = await http.GET('/workspaces/{workspace_id}/certificates', {
    params: { path: { workspace_id: workspaceId } },
    parseAs: 'arrayBuffer',
  })
  return data === undefined ? undefined : pemIn(data)
}

/** The certificate in the archive, which holds it uncompressed: its text stands there as it is. */
export function pemIn(archive: ArrayBuffer): string | undefined {
  const text = new TextDecoder('latin1').decode(archive)
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*-----END CERTIFICATE-----/)
  return found ? `${found[0]}\n` : undefined
}
