import { Code, Modal, Text } from '@mantine/core'
import { useState } from 'react'
import type { CreatedPat } from '../../api/schema'
import { SecretOnce } from '../../components/SecretOnce'
import { useProof } from '../../components/useProof'
import { PatForm } from './PatForm'

/** Makes a personal access token and shows its value, once. */
export function CreatePat({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [created, setCreated] = useState<CreatedPat>()
  const { prove, dialog, asking } = useProof()
  const done = () => {
    setCreated(undefined)
    onClose()
  }
  return (
    <>
      <Modal
        opened={opened}
        onClose={done}
        title={created ? 'The token is made' : 'Create a personal access token'}
        // A value that is shown once does not go by a slip of the hand.
        closeOnEscape={!asking && created === undefined}
        closeOnClickOutside={created === undefined}
        withCloseButton={created === undefined}
      >
        {created ? (
          <SecretOnce label={created.name} value={created.value} onDone={done}>
            <Text fz="sm">
              Copy it now. Scripts send it as a bearer token; the command line takes it from{' '}
              <Code>TWINKEY_TOKEN</Code>.
            </Text>
          </SecretOnce>
        ) : (
          <PatForm prove={prove} onCreated={setCreated} onCancel={done} />
        )}
      </Modal>
      {dialog}
    </>
  )
}
