import { recordConv1d } from '../../ops/conv1d.js';
import { conv2dOutput, partialMaps, recordConv2d } from '../../ops/conv2d.js';
import { chooseConv2dSplits } from '../../ops/conv2d-variants.js';
import { recordFinishMap, recordMeanPool } from '../../ops/feature-maps.js';
import { type FeatureMap, featureMap, mapElements } from '../../runtime/feature-map.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import { type Tensor, tokens } from '../../runtime/tensor.js';
import type { SmallEncoder } from './load.js';

/**
 * Records features = head(mean(relu(conv(… relu(conv(x)))))). x: pictures 3 × height × width; `features`: a token for each.
 *
 * Probes, of picture `probed`: `predictor.net.1`, `.3`, `.5`, `.7` (maps after each ReLU, in the order of their buffers), `predictor.pooled`
 * (the mean) and `predictor.head` (the features).
 */
export function recordSmallEncoder(builder: PlanBuilder, encoder: SmallEncoder, x: FeatureMap, features: Tensor, probed = 0): void {
  const { shape, layers, head } = encoder;
  const isPicture = x.channels === 3 && x.height === shape.height && x.width === shape.width;
  if (!isPicture || features.batch !== x.batch || features.channels !== shape.features || features.length !== 1) {
    throw new TypeError(
      `small encoder: pictures 3x${shape.height}x${shape.width}, ${shape.features} features; x is ` +
        `${x.batch}x${x.channels}x${x.height}x${x.width}, features are ${features.batch}x${features.channels}`,
    );
  }
  let map = x;
  layers.forEach(({ conv, bias }, index) => {
    const { layer } = conv;
    const [height, width] = [conv2dOutput(layer, map.height), conv2dOutput(layer, map.width)];
    const label = `predictor.net.${2 * index + 1}`;
    const y = featureMap(builder, label, { batch: x.batch, channels: layer.outChannels, height, width });
    const splits = chooseConv2dSplits({ layer, outPixels: height * width, frames: x.batch }, builder);
    if (splits > 1) {
      const sums = partialMaps(builder, `${label} sums`, { ...y, splits });
      recordConv2d(builder, conv, { x: map, y: sums });
      recordFinishMap(builder, bias, { x: sums, y, relu: true });
    } else {
      recordConv2d(builder, conv, { x: map, y, relu: true });
    }
    const bytes = (mapElements(y) * 4) / y.batch;
    builder.probe(label, y.buffer, [{ offset: probed * bytes, bytes }]);
    map = y;
  });
  const pooled = tokens(builder, 'mean of the maps', x.batch, 1, map.channels);
  recordMeanPool(builder, map, pooled);
  probeToken(builder, 'predictor.pooled', pooled, probed);
  recordConv1d(builder, head, { x: pooled, y: features });
  probeToken(builder, 'predictor.head', features, probed);
}

function probeToken(builder: PlanBuilder, name: string, { buffer, channels }: Tensor, sample: number): void {
  builder.probe(name, buffer, [{ offset: sample * channels * 4, bytes: channels * 4 }]);
}
