import { Textarea } from '@mantine/core'
import type { Rotation } from '../../api/rotation'

interface Props {
  value: string
  onChange: (reason: string) => void
  rotation: Rotation
}

/** Why it is done. It stays as it is once it was sent. */
export function Reason({ value, onChange, rotation }: Props) {
  return (
    <Textarea
      label="Reason"
      description="For the audit log."
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      disabled={rotation.isPending || rotation.unknown !== undefined}
      maxLength={500}
      autosize
      minRows={1}
    />
  )
}
