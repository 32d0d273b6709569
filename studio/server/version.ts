/** The hub's version (semver); plugins name the range they work with as `engine`. */
export const HUB_VERSION = '1.0.0';
