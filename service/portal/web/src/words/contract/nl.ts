// Nederlands.

import type { ContractWords } from "./words.ts";

const twice = (where: string): string =>
  `een sleutel die ${where} twee keer voorkomt, breekt de bewerking af en maakt alleen dat bekend`;

export const nl: ContractWords = {
  nothing: "niets",
  and: "en",

  table: (handle) => `de tabel ${handle}`,
  tableNamed: (name) => `de tabel met de naam ${name}`,
  resultOfStep: (step) => `het resultaat van stap ${step}`,
  step: (step) => `stap ${step}`,

  wholeNumbers: (min, max) => `gehele getallen van ${min} tot en met ${max}`,
  trueOrFalse: "waar of onwaar",
  dates: (min, max) => `datums van ${min} tot en met ${max}`,
  asciiTexts: (length) => `teksten van hoogstens ${length} ASCII-tekens`,
  texts: (length) => `teksten van hoogstens ${length} tekens`,
  means: (min, max) => `gemiddelden van ${min} tot en met ${max}`,
  mayBeMissing: (kind) => `${kind}, mag ontbreken`,
  columnOf: (name, kind) => `${name} (${kind})`,

  aggregate: {
    count: (of) => `het aantal waarden van ${of}`,
    sum: (of) => `de som van ${of}`,
    mean: (of) => `het gemiddelde van ${of}`,
    min: (of) => `de kleinste waarde van ${of}`,
    max: (of) => `de grootste waarde van ${of}`,
  },
  as: (what, name) => `${what} als ${name}`,
  operator: {
    add: "+",
    subtract: "-",
    multiply: "×",
    equal: "=",
    not_equal: "≠",
    less: "<",
    less_or_equal: "≤",
    greater: ">",
    greater_or_equal: "≥",
    and: "en",
    or: "of",
    xor: "ofwel-ofwel",
  },
  truth: (value) => (value ? "waar" : "onwaar"),
  text: (text) => `de tekst ${text}`,
  date: (date) => `de datum ${date}`,
  not: (of) => `niet ${of}`,
  isMissing: (of) => `(${of} ontbreekt)`,
  orWhereMissing: (value, other) => `(${value}, of ${other} waar die ontbreekt)`,

  domain: {
    integer: (min, max) => `een geheel getal van ${min} tot en met ${max}`,
    one_of: (texts) => `een van ${texts}`,
    handles: (handles) => `een van de tabellen ${handles}`,
    pattern: (pattern) => `een tekst van de vorm ${pattern}`,
    date: (min, max) => `een dag van ${min} tot en met ${max}`,
    text: (most) => `een willekeurige tekst van hoogstens ${most} tekens`,
  },

  sentence: {
    upload: (under, columns, asked) => `Uploadt een tabel${under} met de kolom(men) ${columns}${asked}.`,
    uploadEmpty: (under, asked) => `Uploadt een tabel${under} zonder kolommen${asked}.`,
    uploadAny: (under, hole, asked) =>
      `Uploadt een tabel${under} met een willekeurige structuur (${hole})${asked}.`,
    rulesLeftOpen: (hole) => `; welke regels gelden, bepaalt wie uploadt (${hole})`,
    fewestRows: (rows) => `; er wordt niets geopend over minder dan ${rows} van de rijen, en geen rij apart`,
    roundCounts: (to) =>
      `; aantallen worden alleen als veelvoud van ${to} verteld, naar beneden afgerond, sommen even grof, gemiddelden niet, en er wordt niets geopend over minder dan ${to} van de rijen`,
    joinOnly: (columns) => `; alleen om te koppelen, niet om te openen of mee te rekenen: ${columns}`,
    underName: (name) => ` onder de naam ${name}`,
    get: (table) => `Zoekt ${table} op.`,
    filter: (table, condition) => `Houdt van ${table} de rijen waarvoor geldt: ${condition}.`,
    project: (table, columns) => `Houdt van ${table} de kolom(men) ${columns}.`,
    assign: (table, columns) => `Zet in ${table} de kolom(men) ${columns}.`,
    setTo: (column, value) => `${column} op ${value}`,
    merge: (left, right, keys, kept, promise) =>
      `Koppelt ${left} aan ${right} waar ${keys}; ${kept}; ${promise}.`,
    how: {
      inner: "alleen rijen met een tegenhanger blijven over",
      left: "elke rij van de eerste blijft over",
      right: "elke rij van de tweede blijft over",
      outer: "elke rij van beide blijft over",
    },
    promise: {
      one_to_one: twice("in een van beide"),
      many_to_one: twice("in de tweede"),
      one_to_many: twice("in de eerste"),
      many_to_many: "een sleutel mag willekeurig vaak voorkomen, en elk paar wordt een rij",
    },
    concat: (tables) => `Zet de rijen van ${tables} achter elkaar.`,
    aggregate: (table, values) => `Berekent over ${table}: ${values}.`,
    group_by: (table, by, values) => `Groepeert ${table} op ${by} en berekent voor elke groep: ${values}.`,
    sort: (table, keys) => `Sorteert ${table} op ${keys}.`,
    upwards: (column) => `${column} oplopend`,
    downwards: (column) => `${column} aflopend`,
    open: (table) => `OPENT elke rij van ${table}.`,
    save: (table) => `Bewaart ${table} op de servers.`,
    saveAs: (table, name) => `Bewaart ${table} op de servers onder de naam ${name}.`,
    remove: (table) => `Verwijdert ${table} van de servers.`,
  },

  opening: {
    nothing: "niets",
    rowsRemain: "hoeveel rijen overblijven",
    rowsWithPartner: "hoeveel rijen een tegenhanger vonden",
    rowsOfResult: "hoeveel rijen het resultaat heeft",
    groups: "hoeveel groepen er zijn",
    values: (count) => `${count === 1 ? "ÉÉN WAARDE" : `${count} WAARDEN`} voor de analist`,
    columns: (names) => `de kolom(men) ${names}`,
    allColumns: "alle kolommen",
    everyGroup: (columns) => `ELKE GROEP voor de analist: één rij per groep, met ${columns}`,
    everyRow: (columns) => `ELKE RIJ voor de analist, met ${columns}`,
    unlessFewer: (least) => `; zijn het er minder dan ${least}, dan alleen dat het er te weinig zijn`,
  },

  level: { high: "hoog", medium: "matig", note: "let op" },
  title: {
    row_level: "afzonderlijke rijen worden geopend",
    no_minimum: "een waarde kan over één enkele rij gaan",
    differencing_within: "twee resultaten samen kunnen iets over één enkele rij vertellen",
    own_rows: "rijen die de analist koos, staan naast die van anderen",
    name: "een naam bepaalt welke tabel wordt gebruikt",
    open_hole: "de analist mag alles invullen",
    near_identical: "een eerder script vroeg bijna hetzelfde",
    name_may_change: "een naam kan tussen twee uitvoeringen aan een andere tabel worden gegeven",
    no_run_limit: "het kan opnieuw worden uitgevoerd telkens als de gegevens zijn veranderd",
    group_level: "elke groep wordt geopend, ook die van één rij",
    bare_count: "een aantal kan 0 of 1 zijn en verraadt dat dan",
    small_minimum: "het minimale aantal rijen is klein",
    extreme: "een kleinste of grootste waarde hoort bij één rij",
    self_join: "een tabel wordt aan zichzelf gekoppeld",
    names_table: "een tabel krijgt een naam",
    wide_hole: "de analist vult een van zeer veel waarden in",
    bound_hole: "de analist vult een van enkele waarden in",
    deletes: "een tabel wordt verwijderd",
    no_end: "de goedkeuring eindigt nooit",
  },
  risk: {
    groupLevel: "Groepen worden rij voor rij geopend: een groep van één is één enkele persoon of zaak.",
    rowLevel:
      "Er wordt rij voor rij geopend: niets is samengevat, over afzonderlijke personen of zaken is te lezen.",
    noMinimum: "Geen minimaal aantal rijen: het resultaat kan over één enkele rij gaan.",
    bareCount: "Geen minimaal aantal rijen: het aantal kan 0 of 1 zijn en verraadt dat dan.",
    smallMinimum: (least, usual) => `Het minimum van ${least} rijen is klein; ${usual} is gebruikelijk.`,
    extreme: "Een kleinste of grootste waarde is de waarde van één rij.",
    ownRows:
      "Rijen die dit script uploadt, staan naast die van anderen: wie de ene kiest, kan over afzonderlijke " +
      "rijen van de andere iets te weten komen.",
    selfJoin:
      "Een tabel wordt gekoppeld aan zichzelf of aan wat ervan gemaakt is: een rij kan vele malen in het " +
      "resultaat staan, en een minimaal aantal rijen zegt dan minder.",
    name: (name) =>
      `Welke tabel ${name} is, wordt pas bepaald als het script wordt uitgevoerd: wie onder die naam mag ` +
      "opslaan, kan de gegevens tussen twee uitvoeringen verwisselen en de resultaten vergelijken. Een " +
      "handle kan niet worden verwisseld.",
    namesTable: (name) =>
      `De naam ${name} kan na elkaar aan verschillende tabellen worden gegeven, en andere scripts die hem ` +
      "gebruiken, merken dat niet. Een handle is veiliger.",
    deletes: (what) => `Wat is verwijderd (${what}), is niet terug te halen.`,
    openHole: (hole) => `Opengelaten: de analist mag voor ${hole} ALLES invullen.`,
    boundHole: (hole, domain) => `Opengelaten: de analist vult voor ${hole} iets in: ${domain}.`,
    differencingWithin: (earlier) =>
      `Samen met stap ${earlier} opent dit één waarde over bijna dezelfde rijen: het verschil tussen die ` +
      "twee kan de waarde van één enkele rij zijn.",
    nameMayChange: (name) => `De naam ${name} kan bij elke uitvoering voor een andere tabel staan.`,
    noRunLimit:
      "De analist mag het opnieuw uitvoeren telkens als de gegevens zijn veranderd, en de resultaten " +
      "vergelijken.",
    noEnd: "De goedkeuring eindigt nooit.",
    nearIdentical: (earlier) =>
      `${earlier} vraagt bijna hetzelfde: het verschil tussen dat resultaat en dit kan de waarde van één ` +
      "enkele rij zijn.",
  },

  script: {
    named: (name) => `Script ${name}`,
    unnamed: "Script zonder naam",
    authorizationNamed: (name) => `Machtiging ${name}`,
    authorizationUnnamed: "Machtiging zonder naam",
    steps: (count) => `${count} stap(pen), in deze volgorde, elk één keer, geen overgeslagen.`,
    commands: (count) => `${count} opdracht(en), in willekeurige volgorde, elk zo vaak als de analist wil.`,
    step: (number) => `Stap ${number}`,
    command: (number) => `Opdracht ${number}`,
    opens: (what) => `Opent: ${what}.`,
    source: (line) => `De regel van de analist zelf, die niets bepaalt: ${line}`,
    inAll: "In totaal opent het:",
    everyRow: "ELKE RIJ van een tabel",
    everyGroup: "elke groep van een tabel",
    singleValues: "afzonderlijke waarden",
    counts: "aantallen rijen of groepen",
    inSteps: (what, steps) => `${what}, in stap(pen) ${steps}`,
    inAllNothing: "niets",
    public: "In elk geval openbaar: namen, typen en aantallen rijen van de tabellen, en het script zelf.",
    risks: "Risico's, de ernstigste eerst:",
    noRisks: "Risico's: geen die hier bekend zijn.",
  },

  approval: {
    analyst: "Analist",
    unusableKey: "een onbruikbare sleutel",
    environment: "Omgeving",
    valid: "Geldig",
    from: (moment) => `van ${moment}`,
    until: (moment) => `tot en met ${moment}`,
    withoutEnd: "zonder einde",
    neverExpires: "De goedkeuring verloopt nooit.",
    runs: "Uitvoeringen",
    atMost: (runs) => `hoogstens ${runs}`,
    anyNumber: "onbeperkt",
    runAgain: "De analist mag het opnieuw uitvoeren telkens als de gegevens zijn veranderd.",
    purpose: "Doel",
    tables: "Tabellen",
    noOtherThan: (handles) => `geen andere dan ${handles}`,
    name: "Naam",
    means: (name, table) => `${name} betekent ${table} en niets anders`,
    meansWhichever: (name) =>
      `${name} betekent welke tabel die naam ook draagt wanneer een opdracht wordt uitgevoerd`,
    meansFirst: (name) =>
      `${name} betekent de tabel die zo heet bij het eerste gebruik, en daarna niets anders`,
    uses: "Opdrachten",
    atMostCommands: (most) => `hoogstens ${most}, in alle uitvoeringen samen`,
  },
};
