"""Write a trained model as one folder that transformers, sentence-transformers and resift load, with ONNX and int8."""
