import { fromOpenApi } from '@mswjs/source/open-api'
import { HttpResponse, http } from 'msw'
import document from '../../../openapi.json'

/** Answers of every route, made from the schemas of the OpenAPI document: the form is right, the contents are made up. */
export async function madeUp() {
  return await fromOpenApi(JSON.stringify(document))
}

/** A server on which everything fails but who is asking. */
export function failing() {
  return [
    http.get('*/profile', () =>
      HttpResponse.json({ userId: 'u1', email: 'ada@example.org', name: 'Ada', role: 'Admin' }),
    ),
    http.all('*', () =>
      HttpResponse.json(
        {
          message: 'The database does not answer. Nothing was changed.',
          code: 'Unavailable',
          correlationId: '2332CBB8',
        },
        { status: 503 },
      ),
    ),
  ]
}
