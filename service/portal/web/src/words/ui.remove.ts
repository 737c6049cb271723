import { both } from "./ui.both.ts";

export const remove = both(
  {
    open: "Delete",
    title: (name: string) => `Delete ${name}?`,
    text: "Its data goes from all three servers and its description from this list, for everybody in the project. That cannot be undone.",
    users: (n: number) =>
      n === 1
        ? "An approved script uses this table. It fails from then on."
        : `${n} approved scripts use this table. They fail from then on.`,
    ask: "Ask the approvers",
    isAsked: "You asked the approvers for this.",
    isApproved: "The approvers agreed to this.",
    toRequest: "Go to the request",
    now: "Delete it on all three servers",
    done: {
      deleted: "The table is deleted on all three servers.",
      gone: "The servers stopped because there is no such table any more. It is off the list.",
    },
    lost: "The connection was lost on the way, so the table may be deleted or not. Try again: what is gone stays gone, and you will see it here.",
    list: "Only take it off this list",
    listText:
      "The portal forgets the table's name, columns and notes. The servers keep its data, and scripts that were approved for it go on running. Without its line here you cannot ask for its deletion in the portal any more.",
    listConfirm: (name: string) => `Take ${name} off the list`,
    forgotten: "The table is off the list. The servers still hold its data.",
    kind: "Deletion",
    newTitle: "Ask to delete a table",
    newLead:
      "The approvers see which table it is. Once they agree, you delete it here with your key; nobody else can.",
    request: (name: string) => `Delete ${name}`,
    approved: "The approvers agreed: delete it now",
    approvedText:
      "Your key signs the command in this page. All three servers delete the table, or none of them does.",
  },
  {
    open: "Verwijderen",
    title: (name: string) => `${name} verwijderen?`,
    text: "De gegevens gaan van alle drie de servers en de beschrijving van deze lijst, voor iedereen in het project. Dat is niet terug te draaien.",
    users: (n: number) =>
      n === 1
        ? "Een goedgekeurd script gebruikt deze tabel. Het mislukt vanaf dan."
        : `${n} goedgekeurde scripts gebruiken deze tabel. Ze mislukken vanaf dan.`,
    ask: "De goedkeurders vragen",
    isAsked: "U hebt dit aan de goedkeurders gevraagd.",
    isApproved: "De goedkeurders zijn akkoord.",
    toRequest: "Naar de aanvraag",
    now: "Op alle drie de servers verwijderen",
    done: {
      deleted: "De tabel is op alle drie de servers verwijderd.",
      gone: "De servers stopten omdat zij deze tabel niet meer hebben. Zij is nu ook van de lijst.",
    },
    lost: "De verbinding viel onderweg weg; de tabel is dus verwijderd of niet. Probeer het opnieuw: wat weg is blijft weg, en dat ziet u dan hier.",
    list: "Alleen van deze lijst halen",
    listText:
      "Het portaal vergeet de naam, kolommen en opmerkingen van de tabel. De servers houden de gegevens, en scripts die ervoor goedgekeurd zijn blijven lopen. Zonder haar regel hier kunt u haar verwijdering niet meer in het portaal aanvragen.",
    listConfirm: (name: string) => `${name} van de lijst halen`,
    forgotten: "De tabel is van de lijst. De servers houden haar gegevens nog.",
    kind: "Verwijdering",
    newTitle: "Een tabel laten verwijderen",
    newLead:
      "De goedkeurders zien om welke tabel het gaat. Zijn zij akkoord, dan verwijdert u haar hier met uw sleutel; niemand anders kan dat.",
    request: (name: string) => `${name} verwijderen`,
    approved: "De goedkeurders zijn akkoord: verwijder haar nu",
    approvedText:
      "Uw sleutel ondertekent de opdracht op deze pagina. Alle drie de servers verwijderen de tabel, of geen van drieën.",
  },
);
