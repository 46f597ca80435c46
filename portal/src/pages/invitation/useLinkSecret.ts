import { useLocation, useRouter } from '@tanstack/react-router'
import { useEffect, useState } from 'react'

/** What stands behind `#`. It is taken out of the address bar and the history at once, and lives in this page only. */
export function useLinkSecret(): string {
  const router = useRouter()
  const hash = useLocation({ select: (location) => location.hash })
  const [secret, setSecret] = useState(hash)
  useEffect(() => {
    if (hash === '') return
    setSecret(hash)
    router.history.replace(`${router.basepath}/invitation`)
  }, [hash, router])
  return secret
}
