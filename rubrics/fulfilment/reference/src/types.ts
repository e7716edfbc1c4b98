export interface OrderLine {
  sku: string;
  quantity: number;
  /** Price of one unit as the shop showed it; the price list decides. */
  unitCents: number;
}

export interface OrderRequest {
  /** Chosen by the shop; the same order sent again has the same id. */
  orderId: string;
  customerId: string;
  lines: OrderLine[];
}

export interface Log {
  info(event: string, facts?: Record<string, unknown>): void;
  error(event: string, facts?: Record<string, unknown>): void;
}

export class ValidationError extends Error {
  override name = 'ValidationError';
}

export class OutOfStockError extends Error {
  override name = 'OutOfStockError';
}
