import type { ImageObservation, Observation, ObservationInfo, RawImage, VectorObservation } from 'warmstep';

/** What cameras of a policy see: a test pattern, the webcam, or a picture from a file, in the size that the policy reads. */
export class Cameras {
  readonly #cameras: readonly Camera[];
  readonly #vectors: readonly VectorObservation[];

  constructor(place: HTMLElement, observations: readonly ObservationInfo[]) {
    this.#cameras = observations.filter((one) => one.kind === 'image').map((one) => new Camera(one));
    this.#vectors = observations.filter((one) => one.kind !== 'image');
    place.replaceChildren(...this.#cameras.map((camera) => camera.element));
  }

  /** What is seen now; numbers are zeros, for want of a robot. */
  observe(now: number): Observation {
    return Object.fromEntries([
      ...this.#cameras.map((camera) => [camera.name, camera.read(now)] as const),
      ...this.#vectors.map(({ name, size }) => [name, new Float32Array(size)] as const),
    ]);
  }

  stop(): void {
    for (const camera of this.#cameras) camera.stop();
  }
}

class Camera {
  readonly name: string;
  readonly element = document.createElement('figure');
  readonly #canvas = document.createElement('canvas');
  readonly #context: CanvasRenderingContext2D;
  #source: HTMLVideoElement | ImageBitmap | undefined;
  #stream: MediaStream | undefined;

  constructor({ name, height, width }: ImageObservation) {
    this.name = name;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#context = this.#canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
    const caption = document.createElement('figcaption');
    caption.textContent = `${name}, ${width} × ${height}`;
    this.element.append(this.#canvas, caption, this.#choices());
  }

  read(now: number): RawImage {
    const { width, height } = this.#canvas;
    if (this.#source) drawCovering(this.#context, this.#source, width, height);
    else drawPattern(this.#context, width, height, now);
    const { data } = this.#context.getImageData(0, 0, width, height);
    return { data, width, height };
  }

  stop(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#source = undefined;
  }

  #choices(): HTMLElement {
    const row = document.createElement('div');
    row.className = 'row';
    const webcam = document.createElement('button');
    webcam.type = 'button';
    webcam.textContent = 'Webcam';
    webcam.addEventListener('click', () => void this.#openWebcam(webcam));
    const label = document.createElement('label');
    label.className = 'button';
    label.textContent = 'Picture';
    const file = document.createElement('input');
    file.type = 'file';
    file.accept = 'image/*';
    file.hidden = true;
    file.addEventListener('change', () => void this.#openPicture(file.files?.[0]));
    label.append(file);
    row.append(webcam, label);
    return row;
  }

  async #openWebcam(button: HTMLButtonElement): Promise<void> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: this.#canvas.width, height: this.#canvas.height } });
      this.stop();
      this.#stream = stream;
      const video = document.createElement('video');
      video.muted = true;
      video.srcObject = stream;
      await video.play();
      this.#source = video;
    } catch (error) {
      button.textContent = `No webcam (${(error as Error).name})`;
    }
  }

  async #openPicture(file: File | undefined): Promise<void> {
    if (!file) return;
    this.stop();
    this.#source = await createImageBitmap(file);
  }
}

/** The middle of a picture, as large as it covers the canvas. */
function drawCovering(context: CanvasRenderingContext2D, source: HTMLVideoElement | ImageBitmap, width: number, height: number): void {
  const [w, h] = source instanceof HTMLVideoElement ? [source.videoWidth, source.videoHeight] : [source.width, source.height];
  if (w === 0 || h === 0) return;
  const scale = Math.max(width / w, height / h);
  context.drawImage(source, (width - w * scale) / 2, (height - h * scale) / 2, w * scale, h * scale);
}

/** Something that moves, until there is something to see. */
function drawPattern(context: CanvasRenderingContext2D, width: number, height: number, now: number): void {
  const bars = ['#c0c0c0', '#c0c000', '#00c0c0', '#00c000', '#c000c0', '#c00000', '#0000c0'];
  for (const [i, colour] of bars.entries()) {
    context.fillStyle = colour;
    context.fillRect(Math.floor((i * width) / bars.length), 0, Math.ceil(width / bars.length), height);
  }
  context.fillStyle = '#ffffff';
  const turn = now / 1000;
  context.beginPath();
  context.arc(width * (0.5 + 0.3 * Math.cos(turn)), height * (0.5 + 0.3 * Math.sin(turn)), Math.min(width, height) / 10, 0, 2 * Math.PI);
  context.fill();
}
