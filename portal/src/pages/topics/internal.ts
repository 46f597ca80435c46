const INTERNAL =
  /^(changelog__|repartition__|source__|__)|-(changelog|repartition)$|^connect-(configs|offsets|status)$/

/** Topics that client libraries make for themselves: state, repartitioning, sources. */
export function isInternal(name: string): boolean {
  return INTERNAL.test(name)
}
