import { both } from "./ui.both.ts";

export const elsewhere = both(
  {
    signInWith: (name: string) => `Sign in with ${name}`,
    or: "or",
    acceptWith: (name: string) => `Accept with ${name}`,
    acceptText: "Then you need no password here.",
    title: "Sign-in with another account",
    linkWith: (name: string) => `Link ${name}`,
    linkText: (name: string) =>
      `Link your account at ${name} to sign in with it. You prove there that it is yours.`,
    linked: (issuer: string) => `Linked with an account at ${issuer}`,
    subject: "Known there as",
    firstPassword: "Set a password",
    since: "Linked",
    used: "Last used",
    unlink: "Unlink",
    unlinked: "The link is gone. All other sessions were ended.",
    onlyWay: "It is the only way you can sign in, so it stays.",
    notOffered: "Nobody can sign in with it here any more.",
    proveWith: (name: string) => `Show it at ${name}`,
    proveText:
      "What you are about to do changes who may do what. Show once more that it is you; it then holds for five minutes.",
    proveWindow: "It opens in a window of its own, and this page waits.",
    troubleTitle: "You are not signed in",
    againTitle: "It is you",
    againText: "Close this window and go on in the one you came from.",
    troubles: {
      over: "This sign-in was begun in another browser or tab, was used already, or took longer than ten minutes.",
      "no-account":
        "There is no account here for the one you signed in with. Ask the administrator of your project for an invitation. If you have an account with a password, sign in with that, and link the other one in the settings.",
      declined: "You did not agree to sign in, so nothing happened.",
      refused: "The other side refused:",
      unreachable: "The other side cannot be reached, or it is not set up as it should be. Try again later.",
      doubtful:
        "What the other side answered is not to be relied on, so nobody was signed in. Tell whoever runs the portal.",
      invitation: "The invitation was used, taken back, or is older than a week. Ask for another one.",
      "has-account":
        "There is an account here for this e-mail address. Sign in to it with its password, link the other account in the settings, and open the invitation again.",
      another: "The account you signed in with belongs to somebody else here.",
      "not-shown":
        "The other side did not ask you to sign in anew, or does not tell when you did. Use your password if you have one.",
      passkey: "Your account needs a passkey for this. Use that.",
      "too-often": "Too many attempts in a short time. Wait a minute, then try again.",
      internal: "The portal met an error of its own. Try again.",
    } as Record<string, string>,
    toSignIn: "To the portal",
  },
  {
    signInWith: (name: string) => `Aanmelden met ${name}`,
    or: "of",
    acceptWith: (name: string) => `Aannemen met ${name}`,
    acceptText: "Dan hebt u hier geen wachtwoord nodig.",
    title: "Aanmelden met een ander account",
    linkWith: (name: string) => `${name} koppelen`,
    linkText: (name: string) =>
      `Koppel uw account bij ${name} om u daarmee aan te melden. Daar toont u aan dat het van u is.`,
    linked: (issuer: string) => `Gekoppeld met een account bij ${issuer}`,
    subject: "Daar bekend als",
    firstPassword: "Wachtwoord instellen",
    since: "Gekoppeld",
    used: "Laatst gebruikt",
    unlink: "Ontkoppelen",
    unlinked: "De koppeling is weg. Alle andere sessies zijn beëindigd.",
    onlyWay: "U kunt zich op geen andere manier aanmelden, dus dit blijft.",
    notOffered: "Hier kan niemand zich daar nog mee aanmelden.",
    proveWith: (name: string) => `Bij ${name} laten zien`,
    proveText:
      "Wat u gaat doen verandert wie wat mag. Laat nog eens zien dat u het bent; daarna geldt het vijf minuten.",
    proveWindow: "Er gaat een eigen venster open, en deze pagina wacht.",
    troubleTitle: "U bent niet aangemeld",
    againTitle: "U bent het",
    againText: "Sluit dit venster en ga verder in het venster waar u vandaan kwam.",
    troubles: {
      over: "Deze aanmelding is in een andere browser of een ander tabblad begonnen, was al gebruikt, of duurde langer dan tien minuten.",
      "no-account":
        "Er is hier geen account bij het account waarmee u zich aanmeldde. Vraag de beheerder van uw project om een uitnodiging. Hebt u een account met een wachtwoord, meld u dan daarmee aan en koppel het andere bij de instellingen.",
      declined: "U ging niet akkoord met aanmelden, dus er is niets gebeurd.",
      refused: "De andere kant weigerde:",
      unreachable:
        "De andere kant is niet te bereiken, of niet goed ingesteld. Probeer het later nog eens.",
      doubtful:
        "Op wat de andere kant antwoordde is geen staat te maken, dus niemand is aangemeld. Zeg het wie het portaal beheert.",
      invitation: "De uitnodiging is gebruikt, teruggenomen, of ouder dan een week. Vraag een nieuwe.",
      "has-account":
        "Er is hier een account bij dit e-mailadres. Meld u daar met het wachtwoord aan, koppel het andere account bij de instellingen, en open de uitnodiging opnieuw.",
      another: "Het account waarmee u zich aanmeldde hoort hier bij iemand anders.",
      "not-shown":
        "De andere kant vroeg u niet om u opnieuw aan te melden, of zegt niet wanneer u dat deed. Gebruik uw wachtwoord als u er een hebt.",
      passkey: "Uw account heeft hiervoor een passkey nodig. Gebruik die.",
      "too-often": "Te veel pogingen in korte tijd. Wacht een minuut en probeer het opnieuw.",
      internal: "In het portaal ging iets mis. Probeer het opnieuw.",
    } as Record<string, string>,
    toSignIn: "Naar het portaal",
  },
);
