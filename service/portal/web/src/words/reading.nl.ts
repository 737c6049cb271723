// Why a script or an approval could not be read, in Dutch. What reads them speaks English, as the servers do;
// places and names stay as they are written in the file.

type Phrase = readonly [english: RegExp, dutch: string];

/** What stands where a text or number was wanted. */
const WANTED: Readonly<Record<string, string>> = {
  "true or false": "true of false",
  "a list": "een lijst",
  "a list of two": "een lijst van twee",
  "an object": "een object",
  "one thing": "één ding",
  "a column type": "een kolomtype",
  "a text": "een tekst",
  "64 upper-case hexadecimal characters": "64 hexadecimale tekens in hoofdletters",
  "a hole, written ##name##": "een open plek, geschreven als ##naam##",
};

const PHRASES: readonly Phrase[] = [
  [/^here should be a whole number from (.+) to (.+)$/, "hier hoort een geheel getal van $1 tot en met $2"],
  [/^here should be one of (.+)$/, "hier hoort een van $1"],
  [/^here should be (.+)$/, "hier hoort $1"],
  [/^unknown field (.+)$/, "onbekend veld $1"],
  [/^missing field (.+)$/, "het veld $1 ontbreekt"],
  [/^unknown variant (.+)$/, "onbekende soort $1"],
  [/^this is not the way it is written$/, "zo wordt dit niet geschreven"],
  [/^written, this would read as something else$/, "opgeschreven zou dit iets anders betekenen"],
  [/^the text is too long, or no UTF-8$/, "de tekst is te lang, of geen UTF-8"],
  [/^there is text after the end$/, "er staat tekst na het einde"],
  [/^there is no such day$/, "zo'n dag bestaat niet"],
  [/^a key comes twice$/, "een sleutelwoord komt twee keer voor"],
  [/^an object has too many keys$/, "een object heeft te veel sleutelwoorden"],
  [/^a text does not end$/, "een tekst eindigt niet"],
  [/^half a character$/, "een half teken"],
  [/^an unknown escape$/, "een onbekend teken na een schuine streep"],
  [/^this is no value$/, "dit is geen waarde"],
  [/^a whole number beyond 2\^53$/, "een geheel getal voorbij 2^53"],
  [/^too many levels within each other$/, "te veel niveaus in elkaar"],
  [/^(`.+`) is missing$/, "$1 ontbreekt"],
  [
    /^an integer is a number within (.+), or beyond that a string$/,
    "een geheel getal is een getal binnen $1, en daarbuiten een tekst",
  ],
  [/^this version reads (.+) only$/, "deze versie leest alleen $1"],
  [/^a script has 1 to (.+) steps$/, "een script heeft 1 tot $1 stappen"],
  [/^no step has this hole$/, "geen stap heeft deze open plek"],
  [/^this hole is declared twice$/, "deze open plek is twee keer beschreven"],
  [
    /^(.+) is no hole: between the ## stand a letter, then letters, digits or _$/,
    "$1 is geen open plek: tussen de ## staan een letter, en dan letters, cijfers of _",
  ],
  [
    /^steps that come in any order cannot refer to each other$/,
    "stappen zonder volgorde kunnen niet naar elkaar verwijzen",
  ],
  [/^it refers to a step that does not come before it$/, "het verwijst naar een stap die er niet vóór komt"],
  [/^it refers to a step that makes no table$/, "het verwijst naar een stap die geen tabel maakt"],
  [
    /^an environment has a name of at most 200 characters$/,
    "een omgeving heeft een naam van ten hoogste 200 tekens",
  ],
  [/^the approval ends before it begins$/, "de goedkeuring eindigt voordat zij begint"],
  [/^an approval allows at least one run$/, "een goedkeuring staat ten minste één run toe"],
  [/^this is no usable Ed25519 verification key$/, "dit is geen bruikbare Ed25519-sleutel"],
  [
    /^a purpose has 1 to 1000 characters, none of them a control character$/,
    "een doel heeft 1 tot 1000 tekens, waaronder geen stuurtekens",
  ],
  [/^the tables are sorted, none comes twice$/, "de tabellen staan op volgorde, geen twee keer"],
  [/^the names are sorted, none comes twice$/, "de namen staan op volgorde, geen twee keer"],
  [
    /^a name means one table, or it may change, not both$/,
    "een naam betekent één tabel, of mag veranderen, niet allebei",
  ],
  [
    /^commands in any order may be used once or more; steps have runs$/,
    "opdrachten zonder volgorde mogen één keer of vaker gebruikt worden; stappen hebben runs",
  ],
  [
    /^step (\d+) uses the name (.+), and the approval does not$/,
    "stap $1 gebruikt de naam $2, en de goedkeuring niet",
  ],
  [
    /^step (\d+) takes the table (.+), and the approval does not$/,
    "stap $1 neemt de tabel $2, en de goedkeuring niet",
  ],
  [/^the type (.+) needs both min and max$/, "het type $1 heeft min én max nodig"],
  [/^the type (.+) lacks its closing bracket$/, "het type $1 mist zijn sluithaakje"],
  [/^(`.+`) is no column type; there are (.+) and (\S+)$/, "$1 is geen kolomtype; er zijn $2 en $3"],
  [/^the type (.+) gives (`.+`) twice$/, "het type $1 geeft $2 twee keer"],
  [
    /^the bounds of the type (.+) are no whole numbers below 2\^96 \(for a date: like (.+)\)$/,
    "de grenzen van het type $1 zijn geen gehele getallen onder 2^96 (bij een datum: zoals $2)",
  ],
  [/^in the type (.+), min is above max$/, "in het type $1 is min groter dan max"],
  [/^the type (.+) lacks its length, as in (.+)$/, "het type $1 mist zijn lengte, zoals in $2"],
  [/^the type (.+) is longer than (.+) characters$/, "het type $1 is langer dan $2 tekens"],
  [/^the type (.+) is ascii or unicode, not both$/, "het type $1 is ascii of unicode, niet allebei"],
  [/^the type (.+) does not know (`.+`)$/, "het type $1 kent $2 niet"],
  [/^a day is written like (.+)$/, "een dag wordt geschreven als $1"],
  [/^no day lies between (.+) and (.+)$/, "er ligt geen dag tussen $1 en $2"],
  [/^a text of at most 0 characters says nothing$/, "een tekst van ten hoogste 0 tekens zegt niets"],
  [/^the payload is no base64$/, "de inhoud is geen base64"],
];

/** The same in Dutch; what is not known stays as it is. */
export function readingInDutch(message: string): string {
  const [, said = message, place] = /^(.*) \(at (.+)\)$/s.exec(message) ?? [];
  const phrase = PHRASES.find(([english]) => english.test(said));
  if (phrase === undefined) return message;
  const wanted = /^here should be (.+)$/.exec(said)?.[1] ?? "";
  const translated = Object.hasOwn(WANTED, wanted) ? `hier hoort ${WANTED[wanted]}` : said.replace(...phrase);
  return place === undefined ? translated : `${translated} (bij ${place})`;
}
