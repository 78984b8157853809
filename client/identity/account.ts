/** What a new account is made of. */
export interface NewAccount {
  name: string
  email: string
  password: string
}

export const emptyAccount = (): NewAccount => ({ name: '', email: '', password: '' })

/** As it is sent: spaces at the ends are slips, except in a password. */
export const tidied = ({ name, email, password }: NewAccount): NewAccount => ({
  name: name.trim(),
  email: email.trim(),
  password,
})
