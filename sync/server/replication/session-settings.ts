/**
 * Settings under which values are printed as Electric prints them: the log (walsender) and the snapshots must use the
 * same, or one value would have two spellings.
 */
export const VALUE_FORMAT = [
  "set bytea_output = 'hex'",
  "set DateStyle = 'ISO, DMY'",
  "set TimeZone = 'UTC'",
  'set extra_float_digits = 1',
  "set IntervalStyle = 'iso_8601'",
  "set lc_monetary = 'C'",
  'set standard_conforming_strings = on',
].join('; ')
