// A set of words in two languages. A word that is missing in the second is an error when the page is compiled.

export type Both<T> = { en: T; nl: T };

export const both = <T>(en: T, nl: NoInfer<T>): Both<T> => ({ en, nl });
