import type { ErrorBody } from './schema'

/** An answer that is not a success: its status, and what the server says about it. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly correlationId: string | undefined
  /** After how many seconds it is worth trying again, if the server says so. */
  readonly retryAfter: number | undefined
  /** The whole body: some refusals carry more, such as who still uses Token 1. */
  readonly body: Record<string, unknown>

  constructor(status: number, body: Partial<ErrorBody> & Record<string, unknown>, retryAfter?: number) {
    super(typeof body.message === 'string' ? body.message : `The server answered ${status}.`)
    this.status = status
    this.code = typeof body.code === 'string' ? body.code : ''
    this.correlationId = typeof body.correlationId === 'string' ? body.correlationId : undefined
    this.retryAfter = retryAfter
    this.body = body
  }

  static async of(response: Response): Promise<ApiError> {
    const body: unknown = await response.json().catch(() => ({}))
    const wait = Number.parseInt(response.headers.get('retry-after') ?? '', 10)
    const fields = body !== null && typeof body === 'object' ? { ...body } : {}
    return new ApiError(response.status, fields, Number.isNaN(wait) ? undefined : wait)
  }
}

/** What a person reads about a failure, whatever failed. */
export function sentence(error: unknown): string {
  if (error instanceof ApiError) return error.message
  if (error instanceof TypeError)
    return 'The server cannot be reached. Check the connection, and that Twinkey is running.'
  return error instanceof Error ? error.message : String(error)
}

/** Nobody is signed in, or not any more. A wrong password in a form is a 401 as well, and none of this. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401 && error.code !== 'WrongPassword'
}
