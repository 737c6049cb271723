// Every phrase that is said about scripts and approvals. A table that lacks one does not compile; what
// `en.ts` says is word for word what `vdl explain` says. Phrases get what others wrote already quoted and
// spelled out.

import type { Aggregate, BinaryOp, How, Validate } from "../../contract/language.ts";
import type { Level, RiskCode } from "../../contract/sentences/risk.ts";

export type ContractWords = {
  /** Of no items, of two, and what stands between the last two of more. */
  readonly nothing: string;
  readonly and: string;

  readonly table: (handle: string) => string;
  readonly tableNamed: (name: string) => string;
  /** Steps count from 1. */
  readonly resultOfStep: (step: number) => string;
  readonly step: (step: number) => string;

  readonly wholeNumbers: (min: string, max: string) => string;
  readonly trueOrFalse: string;
  readonly dates: (min: string, max: string) => string;
  readonly asciiTexts: (length: number) => string;
  readonly texts: (length: number) => string;
  readonly means: (min: string, max: string) => string;
  readonly mayBeMissing: (kind: string) => string;
  readonly columnOf: (name: string, kind: string) => string;

  readonly aggregate: Readonly<Record<Aggregate, (of: string) => string>>;
  readonly as: (what: string, name: string) => string;
  readonly operator: Readonly<Record<BinaryOp, string>>;
  readonly truth: (value: boolean) => string;
  readonly text: (text: string) => string;
  readonly date: (date: string) => string;
  readonly not: (of: string) => string;
  readonly isMissing: (of: string) => string;
  readonly orWhereMissing: (value: string, other: string) => string;

  readonly domain: {
    readonly integer: (min: string, max: string) => string;
    readonly one_of: (texts: string) => string;
    readonly handles: (handles: string) => string;
    readonly pattern: (pattern: string) => string;
    readonly date: (min: string, max: string) => string;
    readonly text: (most: number) => string;
  };

  readonly sentence: {
    /** `under` is empty, or what `underName` says; `asked` what the four below it say of rules. */
    readonly upload: (under: string, columns: string, asked: string) => string;
    readonly uploadEmpty: (under: string, asked: string) => string;
    readonly uploadAny: (under: string, hole: string, asked: string) => string;
    readonly rulesLeftOpen: (hole: string) => string;
    readonly fewestRows: (rows: number) => string;
    readonly roundCounts: (to: number) => string;
    readonly joinOnly: (columns: string) => string;
    readonly get: (table: string) => string;
    readonly filter: (table: string, condition: string) => string;
    readonly project: (table: string, columns: string) => string;
    readonly assign: (table: string, columns: string) => string;
    readonly merge: (left: string, right: string, keys: string, kept: string, promise: string) => string;
    readonly concat: (tables: string) => string;
    readonly aggregate: (table: string, values: string) => string;
    readonly group_by: (table: string, by: string, values: string) => string;
    readonly sort: (table: string, keys: string) => string;
    readonly open: (table: string) => string;
    readonly remove: (table: string) => string;
    readonly save: (table: string) => string;
    readonly saveAs: (table: string, name: string) => string;
    readonly underName: (name: string) => string;
    readonly setTo: (column: string, value: string) => string;
    readonly upwards: (column: string) => string;
    readonly downwards: (column: string) => string;
    readonly how: Readonly<Record<How, string>>;
    readonly promise: Readonly<Record<Validate, string>>;
  };

  readonly opening: {
    readonly nothing: string;
    readonly rowsRemain: string;
    readonly rowsWithPartner: string;
    readonly rowsOfResult: string;
    readonly groups: string;
    readonly values: (count: number) => string;
    readonly columns: (names: string) => string;
    readonly allColumns: string;
    readonly everyGroup: (columns: string) => string;
    readonly everyRow: (columns: string) => string;
    /** Behind the others, where there is a minimum. */
    readonly unlessFewer: (least: string) => string;
  };

  readonly level: Readonly<Record<Level, string>>;
  /** In a few words, for lists. */
  readonly title: Readonly<Record<RiskCode, string>>;
  readonly risk: {
    readonly groupLevel: string;
    readonly rowLevel: string;
    readonly noMinimum: string;
    readonly bareCount: string;
    readonly smallMinimum: (least: number, usual: number) => string;
    readonly extreme: string;
    readonly ownRows: string;
    readonly selfJoin: string;
    readonly name: (name: string) => string;
    readonly namesTable: (name: string) => string;
    readonly deletes: (what: string) => string;
    readonly openHole: (hole: string) => string;
    readonly boundHole: (hole: string, domain: string) => string;
    readonly differencingWithin: (earlier: number) => string;
    readonly nameMayChange: (name: string) => string;
    readonly noRunLimit: string;
    readonly noEnd: string;
    readonly nearIdentical: (earlier: string) => string;
  };

  readonly script: {
    readonly named: (name: string) => string;
    readonly unnamed: string;
    readonly authorizationNamed: (name: string) => string;
    readonly authorizationUnnamed: string;
    readonly steps: (count: number) => string;
    readonly commands: (count: number) => string;
    readonly step: (number: number) => string;
    readonly command: (number: number) => string;
    readonly opens: (what: string) => string;
    readonly source: (line: string) => string;
    readonly inAll: string;
    readonly everyRow: string;
    readonly everyGroup: string;
    readonly singleValues: string;
    readonly counts: string;
    readonly inSteps: (what: string, steps: string) => string;
    readonly inAllNothing: string;
    readonly public: string;
    readonly risks: string;
    readonly noRisks: string;
  };

  readonly approval: {
    readonly analyst: string;
    readonly unusableKey: string;
    readonly environment: string;
    readonly valid: string;
    readonly from: (moment: string) => string;
    readonly until: (moment: string) => string;
    readonly withoutEnd: string;
    readonly neverExpires: string;
    readonly runs: string;
    readonly atMost: (runs: number) => string;
    readonly anyNumber: string;
    readonly runAgain: string;
    readonly purpose: string;
    readonly tables: string;
    readonly noOtherThan: (handles: string) => string;
    readonly name: string;
    readonly means: (name: string, table: string) => string;
    readonly meansWhichever: (name: string) => string;
    readonly meansFirst: (name: string) => string;
    readonly uses: string;
    readonly atMostCommands: (most: number) => string;
  };
};
