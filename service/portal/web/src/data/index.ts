// What the pages use of this folder: a file becomes a table, a table shares, and these reach the servers.

export { holds, tidy } from "./bounds.ts";
export { formatOfName, MISSING, nameOfFormat, type DateFormat } from "./cells.ts";
export { choose, type Choice, type ChoiceFault, type Fault, type Wish } from "./choose.ts";
export type { Chosen } from "./column.ts";
export { Cancelled, ChunksLost, Control, NetworkLoss, type Phase, type Spool } from "./delivery.ts";
export { DUMMY_ROWS, dummyCsv, dummyNotebookCell } from "./dummy.ts";
export { encode, type Encoded, type EncodeOptions, type Table } from "./encode.ts";
export type { Doubt, Guess, Option, Reading } from "./guess.ts";
export type { Cause, Problem } from "./problems.ts";
export { DELIMITERS, RowTooLong, type Place } from "./reader.ts";
export type { Rejects } from "./rejects.ts";
export { NotText, type FileFormat } from "./rows.ts";
export { readSealKey, seal, Sealer } from "./seal.ts";
export { SourceChanged, type Encoding, type Octets, type Source, type Watch } from "./source.ts";
export { BadFile, survey, type Survey, type SurveyedColumn, type SurveyOptions } from "./survey.ts";
export { writeType, type ColumnType } from "../contract/types.ts";
export { typeIn, type ColumnMeta } from "./types.ts";
export { CHUNK, Refused, upload, type Order, type Portal, type Receipt, type Signer } from "./upload.ts";
export { Garbled, type Authority, type ErrorAnswer, type Route } from "./wire.ts";
export type { ServerNumber, Three } from "./wire.ts";
