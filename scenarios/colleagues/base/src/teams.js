export const TEAMS = ['dispatch', 'depot', 'night', 'office'];
