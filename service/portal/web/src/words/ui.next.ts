import { both } from "./ui.both.ts";

const makeKey = {
  en: { text: "You have no key for this yet. Making one takes a minute.", action: "Make a key" },
  nl: { text: "U hebt hiervoor nog geen sleutel. Er een maken duurt een minuut.", action: "Sleutel maken" },
};
const waitForList = {
  en: { text: "Nobody approves yet: an administrator chooses the approvers first." },
  nl: { text: "Er zijn nog geen goedkeurders: een beheerder kiest hen eerst." },
};

export const next = both(
  {
    title: "Next for you",
    approver: {
      sign: (count: number) =>
        count === 1
          ? { text: "A request waits for your signature:", action: "Read and sign" }
          : { text: `${count} requests wait for your signature.`, action: "Read and sign" },
    },
    steps: {
      administrator: {
        invite: { text: "Invite the providers, analysts and approvers.", action: "Invite people" },
        wait_for_keys: {
          text: "The approvers have to enrol their keys; then you choose them in a ceremony.",
        },
        ceremony: { text: "Nobody approves yet. Choose the approvers.", action: "Begin the ceremony" },
        done: { text: "Nothing to arrange now." },
      },
      approver: {
        make_key: makeKey.en,
        wait_for_list: {
          text: "Your key is enrolled. An administrator puts it on the approvers’ list, and compares it with you.",
        },
        not_listed: {
          text: "Your key is not on the approvers’ list, so you cannot sign.",
          action: "See the list",
        },
        sign_list: { text: "A new list of approvers waits for your signature.", action: "Read and sign" },
        done: { text: "Nothing to sign now." },
      },
      provider: {
        make_key: makeKey.en,
        wait_for_list: waitForList.en,
        ask_leave: {
          text: "Ask the approvers once for permission to upload.",
          action: "Ask permission to upload",
        },
        wait_for_leave: { text: "Your permission to upload waits for the approvers." },
        answer: { text: "The approvers ask for changes in", action: "Answer" },
        upload: { text: "You may upload.", action: "Upload a table" },
      },
      analyst: {
        make_key: makeKey.en,
        wait_for_list: waitForList.en,
        wait_for_table: { text: "No table is here yet, so there is nothing to ask." },
        answer: { text: "The approvers ask for changes in", action: "Answer" },
        submit: { text: "Record a script on a table’s dummy kit, and submit it.", action: "Submit a script" },
      },
      auditor: { look: { text: "The journal says who did what.", action: "Read the journal" } },
    },
  },
  {
    title: "Wat u nu kunt doen",
    approver: {
      sign: (count: number) =>
        count === 1
          ? { text: "Een aanvraag wacht op uw handtekening:", action: "Lezen en tekenen" }
          : { text: `${count} aanvragen wachten op uw handtekening.`, action: "Lezen en tekenen" },
    },
    steps: {
      administrator: {
        invite: {
          text: "Nodig de leveranciers, analisten en goedkeurders uit.",
          action: "Mensen uitnodigen",
        },
        wait_for_keys: {
          text: "De goedkeurders moeten hun sleutels inschrijven; dan kiest u hen in een ceremonie.",
        },
        ceremony: { text: "Er zijn nog geen goedkeurders. Kies hen.", action: "Ceremonie beginnen" },
        done: { text: "Er is nu niets te regelen." },
      },
      approver: {
        make_key: makeKey.nl,
        wait_for_list: {
          text: "Uw sleutel is ingeschreven. Een beheerder zet hem op de lijst van goedkeurders, en vergelijkt hem met u.",
        },
        not_listed: {
          text: "Uw sleutel staat niet op de lijst van goedkeurders, dus u kunt niet tekenen.",
          action: "Naar de lijst",
        },
        sign_list: {
          text: "Een nieuwe lijst van goedkeurders wacht op uw handtekening.",
          action: "Lezen en tekenen",
        },
        done: { text: "Er is nu niets te tekenen." },
      },
      provider: {
        make_key: makeKey.nl,
        wait_for_list: waitForList.nl,
        ask_leave: {
          text: "Vraag de goedkeurders één keer om toestemming om te uploaden.",
          action: "Toestemming vragen",
        },
        wait_for_leave: { text: "Uw toestemming om te uploaden wacht op de goedkeurders." },
        answer: { text: "De goedkeurders vragen om wijzigingen in", action: "Antwoorden" },
        upload: { text: "U mag uploaden.", action: "Tabel uploaden" },
      },
      analyst: {
        make_key: makeKey.nl,
        wait_for_list: waitForList.nl,
        wait_for_table: { text: "Er is hier nog geen tabel, dus er is nog niets te vragen." },
        answer: { text: "De goedkeurders vragen om wijzigingen in", action: "Antwoorden" },
        submit: {
          text: "Neem een script op met de oefengegevens van een tabel, en dien het in.",
          action: "Script indienen",
        },
      },
      auditor: { look: { text: "Het journaal zegt wie wat deed.", action: "Journaal lezen" } },
    },
  },
);
