import { createRandom, integerBetween, pick } from './random.js';

export interface Product {
  readonly id: string;
  /** Dotted, as in `electronics.audio`. */
  readonly category: string;
  readonly brand: string;
  /** In the shop's currency. */
  readonly price: number;
  readonly path: string;
}

const CATEGORIES = [
  'electronics.smartphone',
  'electronics.audio',
  'computers.notebook',
  'appliances.kitchen',
  'apparel.shoes',
  'apparel.jackets',
  'furniture.bedroom',
  'kids.toys',
  'sport.bicycle',
  'garden.tools',
] as const;
const BRANDS = ['aurora', 'borealis', 'cirrus', 'delta', 'ember', 'fjord', 'glade', 'harbour'] as const;

/** The same catalogue from the same seed, the most wanted product first. */
export function createCatalogue(seed: number, count: number): readonly Product[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => {
    const id = String(100_000 + index);
    return {
      id,
      category: pick(random, CATEGORIES),
      brand: pick(random, BRANDS),
      price: integerBetween(random, 500, 90_000) / 100,
      path: `/product/${id}`,
    };
  });
}
