export const apiVersion = 'daris.dev/v1alpha1';
