import type { WebhookEvent } from '../../api/schema'

/** What a webhook can be told of, and what that means. */
export const EVENTS: { value: Exclude<WebhookEvent, 'webhook.test'>; meaning: string }[] = [
  { value: 'token.rotated', meaning: 'A rotation took effect, an emergency rotation too.' },
  { value: 'token.unsafe_rotation_forced', meaning: 'A rotation was forced although Token 1 was in use.' },
  {
    value: 'token.used_after_deactivation',
    meaning: 'Somebody tried a dead token; once an hour for each client.',
  },
  {
    value: 'token.cut_off_proved',
    meaning: 'Late after a rotation: no broker serves the old token any more.',
  },
]
