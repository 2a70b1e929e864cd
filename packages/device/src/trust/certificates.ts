import { type Statement, type StatementBundle, type UserId, type UserPayload, userStatement } from '@keyferry/protocol'

/** The `kf-user` statements about a root that came with an answer; none of them verified. */
export function certificatesOf(received: StatementBundle, user: UserId): readonly Statement<UserPayload>[] {
  return received.all(userStatement).filter((certificate) => certificate.payload.user === user)
}
