import createFetchClient from 'openapi-fetch'
import createQueryClient from 'openapi-react-query'
import { ApiError } from './error'
import type { paths } from './schema'

/** Requests to this server, typed from its OpenAPI document. The session is a cookie that scripts cannot read. */
export const http = createFetchClient<paths>({
  baseUrl: location.origin,
  credentials: 'same-origin',
  cache: 'no-store',
  // Looked up at each request: tests put theirs in its place.
  fetch: (request) => globalThis.fetch(request),
})

http.use({
  async onResponse({ response }) {
    if (!response.ok) throw await ApiError.of(response)
  },
})

/** The same as queries and mutations. Only the hook files beside this one use it. */
export const api = createQueryClient(http)
