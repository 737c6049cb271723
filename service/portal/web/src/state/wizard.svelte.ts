// The upload, stage by stage. Nothing leaves the page before the last but one.

import * as api from "../api/calls.ts";
import { portalFor } from "../api/upload.ts";
import type { Project, Table } from "../api/shapes.ts";
import { sealKeys } from "./provider.ts";
import type { Chosen } from "../data/column.ts";
import { Cancelled, Control, type Phase } from "../data/delivery.ts";
import type { Rules } from "../contract/language.ts";
import type { Checked } from "../data/desk.ts";
import type { FileFormat } from "../data/rows.ts";
import type { Survey } from "../data/survey.ts";
import { writeType } from "../contract/types.ts";
import { typeIn } from "../data/types.ts";
import type { RunSigner } from "../data/servers.ts";
import { upload, type Receipt } from "../data/upload.ts";
import type { Three } from "../data/wire.ts";
import { startThread, type Thread } from "../thread/start.ts";
import {
  changesIn,
  forgetChoices,
  isAbout,
  keepChoices,
  keptChoices,
  proposedFor,
  withChanges,
  type Choice,
  type Kept,
  type Whose,
} from "./choices.ts";
import { tellRules, usualRules } from "./rules.ts";

export const STAGES = ["file", "columns", "check", "rules", "upload", "receipt"] as const;
export type Stage = (typeof STAGES)[number];

export class Wizard {
  stage = $state<Stage>("file");
  /** How far a long job is, from 0 to 1; undefined when there is none. */
  progress = $state<number>();
  /** The same for each server, while it is uploaded. */
  parts = $state.raw<Three<number>>([0, 0, 0]);
  phase = $state<Phase>();
  file = $state.raw<File>();
  survey = $state.raw<Survey>();
  choices = $state<Choice[]>([]);
  /** Made for this very file before the page was loaded anew; nobody said yet what is to become of them. */
  offer = $state.raw<Kept>();
  encoded = $state.raw<Checked>();
  /** For people; servers know none of them. */
  words = $state({ name: "", note: "" });
  /** Asked in design mode only: an authorization has its own. */
  asked = $state(usualRules());
  table = $state.raw<Table>();
  receipt = $state.raw<Receipt>();
  control: Control | undefined;
  readonly #whose: Whose;
  /** As the file itself seems to be written. */
  #format: FileFormat | undefined;
  #project = "";
  #portal: ReturnType<typeof portalFor> | undefined;
  #rules: Rules | undefined;
  #job: AbortController | undefined;
  #thread: Thread | undefined;

  constructor(whose: Whose) {
    this.#whose = whose;
  }

  /** Chosen in this tab before, and not uploaded since. */
  get kept(): Kept | undefined {
    return keptChoices(this.#whose);
  }

  /** `format`: another than the one that seems to be the file's. */
  async readFile(file: File, format?: Partial<FileFormat>): Promise<void> {
    await this.#work(async (watch) => {
      const found = await this.#desk.survey(file, format ?? {}, watch);
      const kept = format === undefined ? this.kept : undefined;
      this.offer = kept !== undefined && isAbout(kept, file, found) ? kept : undefined;
      // A name that was only proposed was that of the other file.
      const proposed = this.file === undefined ? "" : nameOf(this.file);
      if (this.words.name === "" || this.words.name === proposed) this.words.name = nameOf(file);
      this.file = file;
      this.survey = found;
      this.choices = proposedFor(found);
      this.encoded = undefined;
      if (format === undefined) this.#format = found.format;
      this.stage = "columns";
    });
  }

  /** Fills in what was chosen for this file before. */
  async takeOffer(): Promise<void> {
    const [kept, file] = [this.offer, this.file];
    if (kept === undefined || file === undefined) return;
    await this.#work(async (watch) => {
      const found = await this.#desk.survey(file, kept.format, watch);
      this.survey = found;
      this.choices = withChanges(found, kept.columns);
      this.words = kept.words;
      this.asked = kept.asked;
      this.offer = undefined;
    });
  }

  /** Keeps in this tab what a person chose, until it is sent; what is offered is not written over. */
  keep(): void {
    const [file, found] = [this.file, this.survey];
    if (file === undefined || found === undefined || this.offer !== undefined) return;
    if (this.stage === "file" || this.stage === "upload" || this.stage === "receipt") return;
    const columns = changesIn(this.choices, found);
    const chosen = [columns, this.words, this.asked, found.format];
    const proposed = [[], { name: nameOf(file), note: "" }, usualRules(), this.#format];
    if (JSON.stringify(chosen) === JSON.stringify(proposed)) {
      const kept = this.kept;
      if (kept !== undefined && isAbout(kept, file, found)) forgetChoices();
      return;
    }
    keepChoices({
      ...this.#whose,
      file: { name: file.name, size: found.bytes, modified: file.lastModified, digest: found.digest },
      format: found.format,
      columns,
      words: this.words,
      asked: this.asked,
    });
  }

  /** Another way of reading the column, with the bounds that fit it. */
  choose(column: number, option: number): void {
    const choice = this.choices.find((one) => one.column === column);
    const found = this.survey?.columns[column]?.guess.options[option];
    if (choice === undefined || found === undefined) return;
    choice.option = option;
    choice.type = writeType(found.tidy);
  }

  /** Columns whose type cannot be read or does not go with how the cells are read. */
  get wrong(): number[] {
    return this.choices
      .filter((choice) => choice.take && this.#chosen(choice) === undefined)
      .map((one) => one.column);
  }

  /** `causes`: what a rejected row says of its cause. */
  async check(causes: Readonly<Record<string, string>>): Promise<void> {
    const [file, surveyed] = [this.file, this.survey];
    const chosen = this.choices.filter((choice) => choice.take).map((choice) => this.#chosen(choice));
    if (file === undefined || surveyed === undefined) return;
    const good = chosen.filter((one) => one !== undefined);
    await this.#work(async (watch) => {
      // Who goes on with other choices wants these.
      this.offer = undefined;
      this.encoded = undefined;
      this.encoded = await this.#desk.encode(file, surveyed, good, { ...causes }, watch);
      this.stage = "check";
    });
  }

  /** Splits, seals and sends; then tells the portal what is public about it. `signer`: none in design mode.
   *  Gives whether it was stopped on its way. */
  async send(project: Project, signer: RunSigner | null, rules: Rules | undefined): Promise<boolean> {
    const [file, surveyed, encoded] = [this.file, this.survey, this.encoded];
    if (file === undefined || surveyed === undefined || encoded === undefined) return false;
    [this.#project, this.#rules] = [project.id, rules];
    const keys = sealKeys(project);
    this.control = new Control();
    this.stage = "upload";
    this.progress = 0;
    this.parts = [0, 0, 0];
    const portal = (this.#portal = portalFor(project.id));
    try {
      const order = {
        table: encoded.table,
        rules,
        keys,
        file: { name: file.name, bytes: surveyed.bytes, digest: surveyed.digest },
      };
      this.receipt = await upload(order, portal, signer, this.control, {
        phase: (phase) => (this.phase = phase),
        progress: (done, sizes) => this.#tell(done, sizes),
      });
      this.stage = "receipt";
      forgetChoices();
      await this.list();
      return false;
    } catch (problem) {
      if (this.receipt === undefined) this.stage = "rules";
      if (!(problem instanceof Cancelled)) throw problem;
      return true;
    } finally {
      this.progress = undefined;
      this.phase = undefined;
    }
  }

  /** Tells the portal of a table that the servers have. */
  async list(): Promise<void> {
    if (this.receipt === undefined || this.table !== undefined) return;
    this.table = await api.addTable(this.#project, this.#told(this.receipt, this.#rules));
    // If that is lost, the portal forgets it by itself.
    await this.#portal?.drop().catch(() => null);
  }

  /** Gives up whatever is going on. */
  stop(): void {
    this.#job?.abort();
    this.control?.cancel();
  }

  /** Gives up, and lets go of the file and what was made of it. */
  end(): void {
    this.stop();
    this.#thread?.end();
    this.#thread = undefined;
  }

  get #desk() {
    return (this.#thread ??= startThread()).desk;
  }

  #tell(done: Three<number>, sizes: Three<number>): void {
    const [a, b, c] = done;
    this.parts = [a / sizes[0], b / sizes[1], c / sizes[2]];
    this.progress = (a + b + c) / (sizes[0] + sizes[1] + sizes[2]);
  }

  #told(receipt: Receipt, asked: Rules | undefined) {
    const { name, note } = this.words;
    const rules = tellRules(asked, note);
    return {
      handle: receipt.handle,
      ...(name.trim() === "" ? {} : { name: name.trim() }),
      schema: receipt.columns.map((column) => ({ name: column.name, type: column.type })),
      ...(rules === undefined ? {} : { rules }),
      rows: receipt.rows,
      file_digest: receipt.file_digest,
      file_name: receipt.file_name,
      ...(this.#portal?.upload === undefined ? {} : { upload: this.#portal.upload }),
    };
  }

  #chosen(choice: Choice): Chosen | undefined {
    const type = typeIn(choice.type.trim());
    const reading = this.survey?.columns[choice.column]?.guess.options[choice.option]?.reading;
    if (type === null || reading === undefined || type.kind !== reading.kind || choice.name.trim() === "")
      return undefined;
    const twice = this.choices.filter((one) => one.take && one.name.trim() === choice.name.trim()).length > 1;
    return twice ? undefined : { column: choice.column, name: choice.name.trim(), reading, type };
  }

  async #work(
    act: (watch: { progress(done: number, total: number): void; signal: AbortSignal }) => Promise<void>,
  ): Promise<void> {
    this.#job?.abort();
    const job = (this.#job = new AbortController());
    this.progress = 0;
    try {
      await act({
        progress: (done, total) => (this.progress = total === 0 ? 1 : done / total),
        signal: job.signal,
      });
    } catch (problem) {
      if (!job.signal.aborted) throw problem;
    } finally {
      if (this.#job === job) this.progress = undefined;
    }
  }
}

/** What a table is called that nobody named. */
const nameOf = (file: File): string => file.name.replace(/\.[^.]*$/, "");
