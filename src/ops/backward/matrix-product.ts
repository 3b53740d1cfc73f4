import {
  type MatrixPlace,
  matrixProductShape,
  PRODUCT_LANES,
  PRODUCT_TILE,
  productLanesKernel,
  productTiledKernel,
} from '../../../kernels/backward/matrix-product.wgsl.js';
import type { Binding, PlanBuilder } from '../../runtime/plan-builder.js';
import { VARIANTS } from '../variants.js';

/** Rows of an invocation on a software driver: more of them make more of a load, and the text longer. */
const ROWS_OF_A_MEMBER = 4;
const LEAST_ROWS = 8;

/** A matrix in a buffer. */
export interface MatrixOperand {
  readonly binding: Binding;
  readonly place: MatrixPlace;
}

export interface MatrixProductCall {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  readonly a: MatrixOperand;
  readonly b: MatrixOperand;
  readonly c: MatrixOperand;
  readonly bias?: { readonly binding: Binding; readonly offset: number } | undefined;
  /** Whether c keeps what it has. */
  readonly accumulate?: boolean;
  /** Terms that a workgroup adds up; c is then a matrix for every split, without bias. Default: all. */
  readonly splitInner?: number;
}

/** A matrix of so many columns, row after row. */
export function rowMajor(columns: number, offset = 0): MatrixPlace {
  return { offset, rowStride: columns, columnStride: 1 };
}

/** The transpose of a matrix, as a layout. */
export function transposedPlace({ offset, rowStride, columnStride }: MatrixPlace): MatrixPlace {
  return { offset, rowStride: columnStride, columnStride: rowStride };
}

/** Records c = (c +) a · b (+ bias). */
export function recordMatrixProduct(builder: PlanBuilder, call: MatrixProductCall): void {
  const { rows, columns, inner, a, b, c, bias, accumulate = false, splitInner = inner } = call;
  const splits = Math.ceil(inner / splitInner);
  if (splits > 1 && (bias || accumulate)) throw new TypeError('matrix product: splits take no bias and keep nothing');
  const parameters = { bias: bias !== undefined, accumulate };
  const sliced = VARIANTS[builder.deviceClass].sliced;
  const tileRows = sliced ? PRODUCT_TILE.side : lanesRows(builder.subgroupSize);
  const tileColumns = sliced ? PRODUCT_TILE.side : 4 * PRODUCT_LANES;
  const kernel = sliced
    ? productTiledKernel({
        ...parameters,
        aAlong: a.place.columnStride === 1 ? 'inner' : 'rows',
        bAlong: b.place.rowStride === 1 ? 'inner' : 'columns',
      })
    : productLanesKernel({ ...parameters, rows: tileRows, subgroup: builder.subgroupSize });
  const shape = matrixProductShape({
    rows,
    columns,
    inner,
    splitInner,
    a: a.place,
    b: b.place,
    c: c.place,
    biasOffset: bias?.offset ?? 0,
  });
  builder.dispatch(
    kernel,
    [builder.shape(shape), a.binding, b.binding, ...(bias ? [bias.binding] : []), c.binding],
    [Math.ceil(columns / tileColumns), Math.ceil(rows / tileRows), splits],
  );
}

function lanesRows(subgroupSize: number): number {
  return Math.max(ROWS_OF_A_MEMBER * subgroupSize, LEAST_ROWS);
}
