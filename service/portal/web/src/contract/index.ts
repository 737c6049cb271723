// What may be asked, what it says, and who said yes: everything the page decides by itself, without trust in
// whoever serves it data. Pure: no network, no storage, no clock; it runs in browsers and in Node alike.
//
// Who signed decides `verifyApproval`: bytes, a policy, revocations and a time, in the servers' order.
//
// Reading is strict and believes exact bytes only: `readScript`, `readStatement`. What was read is said in
// the words of a table (`en`, `nl`): `report` for pages, `explainScript` for texts. `diffScripts` and
// `nearIdentical` compare. `writeStatement` makes the bytes to be signed. What others wrote goes through
// `visible` first.

export { readApproval, verifyApproval } from "./approval.ts";
export type { Approval } from "./approval.ts";
export { compareLogs, readLog } from "./audit.ts";
export type { Entry, Event, Log } from "./audit.ts";
export { Refused } from "./bytes.ts";
export { daysOf, dateOf, endOfDay, moment } from "./dates.ts";
export { diffScripts, isSame, nearIdentical } from "./diff.ts";
export type { FieldDiff, ScriptDiff, StepDiff } from "./diff.ts";
export { digest, fingerprint } from "./digests.ts";
export { APPROVAL, Envelope, POLICY, REVOCATION } from "./envelope.ts";
export { allows, holes } from "./holes.ts";
export type { Domain, HoleDomain } from "./holes.ts";
export { generateKey, keyOf, pae, SigningKey, VerifyingKey } from "./keys.ts";
export { inputs, makesTable, valueOf } from "./language.ts";
export type {
  Aggregation,
  ColumnMeta,
  Command,
  Expression,
  Rules,
  Slot,
  SortKey,
  TableRef,
  Verb,
} from "./language.ts";
export { closeMessage, commandMessage, isStart, signStart, startMessage } from "./messages.ts";
export { Policy } from "./policy.ts";
export type { Approver, PolicyStatement, Rule } from "./policy.ts";
export { readRevocation, Revocations, writeRevocation } from "./revocation.ts";
export type { Revocation, Revoked } from "./revocation.ts";
export { readCommand, readScript, writeCommand, writeScript } from "./script.ts";
export type { Script, Step } from "./script.ts";
export {
  explainStatement,
  reportStatement,
  riskOfNearIdentical,
  risksOfTerms,
} from "./sentences/approval.ts";
export { explainRisks, explainScript } from "./sentences/explain.ts";
export { explainSteps, report } from "./sentences/report.ts";
export type { Explained, OpenedThing, Opens, Report, ReportHole, ReportStep } from "./sentences/report.ts";
export { LEVELS, RISK_CODES, sortRisks } from "./sentences/risk.ts";
export type { Level, Risk, RiskCode } from "./sentences/risk.ts";
export { sentence } from "./sentences/sentence.ts";
export { readStatement, writeStatement } from "./statement.ts";
export type { NameRule, Statement, Terms } from "./statement.ts";
export { templateAnyUpload, templateGuardedUpload } from "./template.ts";
export { readType, TypeRefused, width, writeType } from "./types.ts";
export type { ColumnType, Kind } from "./types.ts";
export { escaped, quoted, visible, visibleLines } from "./visible.ts";
export type { ContractWords } from "../words/contract/words.ts";
