export { defaultShopOptions, type ShopOptions } from './options.js';
export { type Delivery, simulateShop } from './shop.js';
export { createTruth, type GroundTruth } from './truth.js';
