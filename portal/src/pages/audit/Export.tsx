import { Button, Menu, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconDownload } from '@tabler/icons-react'
import { useState } from 'react'
import { type AuditFilter, exportRecords } from '../../api/audit'
import { sentence } from '../../api/error'
import { download } from '../../components/download'

/** The records as files: those that are shown, or the whole log. */
export function Export({ filter }: { filter: AuditFilter }) {
  const [pending, setPending] = useState(false)
  const save = async () => {
    setPending(true)
    try {
      const { lines, count, whole } = await exportRecords(filter)
      download('audit-records.jsonl', lines)
      const message = whole
        ? `${count} records, one a line.`
        : `Only the newest ${count}: choose a shorter time, or export the whole log.`
      notifications.show({ title: 'Exported', message, autoClose: whole ? 4000 : false })
    } catch (error) {
      notifications.show({
        color: 'red',
        title: 'The export failed',
        message: sentence(error),
        autoClose: false,
      })
    } finally {
      setPending(false)
    }
  }
  return (
    <Menu position="bottom-end" width={300}>
      <Menu.Target>
        <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />} loading={pending}>
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => void save()}>
          These records
          <Text fz="xs" c="dimmed">
            As filtered, the newest first, as JSON lines.
          </Text>
        </Menu.Item>
        <Menu.Item component="a" href="/audit/export" download="audit.jsonl">
          The whole log
          <Text fz="xs" c="dimmed">
            The oldest first, as JSON lines; for <span>twinkey audit verify</span>.
          </Text>
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
